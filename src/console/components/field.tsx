import { needsTextarea } from '../form-fields.js';
import { Text } from './text.js';

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
      {problem ? <small class="problem">{problem}</small> : null}
    </label>
  );
}
