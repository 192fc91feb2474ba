import type { ComponentChildren } from 'preact';
import type { Viewer } from '../layout.js';

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
