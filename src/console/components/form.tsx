import type { ComponentChildren } from 'preact';
import { needsTextarea } from '../form-fields.js';
import type { Viewer } from '../layout.js';
import { Text, visibleText } from './text.js';

interface ActionProps {
  viewer: Viewer;
  to: string;
  children: string;
  tone?: 'primary' | 'danger' | 'link' | 'plain';
  /** Further fields of the form. */
  fields?: ComponentChildren;
}

/** A button that changes something; a viewer does not see it. */
export function Action({ viewer, to, children, tone = 'plain', fields }: ActionProps) {
  if (!viewer.canAct) return null;
  return (
    <form method="post" action={to} class="inline">
      <input type="hidden" name="formToken" value={viewer.formToken} />
      {fields}
      <button class={tone === 'plain' ? undefined : tone}>{children}</button>
    </form>
  );
}

interface FieldProps {
  /** The field of the lead. */
  name: string;
  value: string;
  /** What is wrong with the value that was entered. */
  problem?: string | undefined;
}

/** A field of a lead in a form that corrects it. */
export function Field({ name, value, problem }: FieldProps) {
  const attributes = { name: `field.${name}`, value, autoComplete: 'off', 'aria-invalid': problem ? true : undefined };
  return (
    <label class={needsTextarea(value) ? 'field field-wide' : 'field'}>
      <span>
        <Text value={name} />
      </span>
      {needsTextarea(value) ? <textarea {...attributes} rows={4} /> : <input {...attributes} />}
      {problem ? <small class="problem">{visibleText(problem)}</small> : null}
    </label>
  );
}
