import type { ComponentChildren } from 'preact';
import { contentOf, grouped, Text, visibleText } from './text.js';

/** The head of a page: its title, what it is for, and its actions. */
export function PageHead({ title, children, about }: { title: string; about?: ComponentChildren; children?: ComponentChildren }) {
  return (
    <header class="page-head">
      <h1>
        <Text value={title} />
      </h1>
      {children}
      {about ? <p>{about}</p> : null}
    </header>
  );
}

export function Card({ title, aside, children }: { title: string; aside?: ComponentChildren; children: ComponentChildren }) {
  return (
    <section class="card">
      <header>
        <h2>{visibleText(title)}</h2>
        {aside ? <span class="muted push">{contentOf(aside)}</span> : null}
      </header>
      {children}
    </section>
  );
}

/** A part of the page that the script keeps up to date. */
export function Live({ id, children }: { id: string; children: ComponentChildren }) {
  return (
    <div id={id} data-live="" class="stack">
      {children}
    </div>
  );
}

export interface StatProps {
  label: string;
  value: ComponentChildren;
  note?: ComponentChildren;
  tone?: 'good' | 'bad' | undefined;
}

export function Stats({ items }: { items: StatProps[] }) {
  return (
    <dl class="stats">
      {items.map(({ label, value, note, tone }) => (
        <div class={tone ? `card stat stat-${tone}` : 'card stat'}>
          <dt>{label}</dt>
          <dd>
            {grouped(contentOf(value))}
            {note ? <small>{contentOf(note)}</small> : null}
          </dd>
        </div>
      ))}
    </dl>
  );
}

export type NoticeTone = 'good' | 'warn' | 'bad' | 'plain';

interface NoticeProps {
  tone?: NoticeTone;
  title: string;
  /** A further class, for its layout. */
  layout?: string;
  children?: ComponentChildren;
}

export function Notice({ tone = 'plain', title, layout = '', children }: NoticeProps) {
  return (
    <div class={`notice notice-${tone} ${layout}`.trim()} role={tone === 'bad' ? 'alert' : 'status'}>
      <strong>
        <Text value={title} />
      </strong>
      {children}
    </div>
  );
}

/** Says that a list is empty, why that may be, and what to do. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="card empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** Names and values; what has no value is left out. */
export function Facts({ items }: { items: [string, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {items
        .filter(([, value]) => value !== null && value !== undefined && value !== '')
        .map(([name, value]) => (
          <>
            <dt>{contentOf(name)}</dt>
            <dd>{grouped(contentOf(value))}</dd>
          </>
        ))}
    </dl>
  );
}
