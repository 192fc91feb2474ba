/** Outlines on a grid of 16; the text beside them says the same, so assistive technology skips them. */
const PATHS: Record<string, string> = {
  console: 'M1.5 9h3l2-6 3 10 2-4h3',
  leads:
    'M5.5 7a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM1 14c0-2.5 2-4.5 4.5-4.5S10 11.5 10 14M10.5 2.3a2.5 2.5 0 0 1 0 4.7M12 9.8c1.8.6 3 2.2 3 4.2',
  'dead-letters': 'M2 3.5h12v9H2zM2 4l6 5 6-5',
  rejections: 'M8 1.5 14.5 13.5h-13zM8 6v3.5M8 11.5v.5',
  stages: 'M2 4h5v3H2zM9 9h5v3H9zM7 5.5h4.5V9',
  sla: 'M8 14.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM8 4.5V8l2.5 1.5',
  audit: 'M3 1.5h7l3 3v10H3zM5.5 7h5M5.5 10h5',
  routing: 'M2 8h4M6 8l4-4h4M6 8l4 4h4M12 2l2 2-2 2M12 10l2 2-2 2',
  scores: 'M2 14V9h3v5M6.5 14V5h3v9M11 14V2h3v12',
  marketo: 'M2 5h10l-3-3M14 11H4l3 3',
};

/** The icon of a page, by the last part of its address. */
export function Icon({ page }: { page: string }) {
  const path = PATHS[page.split('/').at(-1)!];
  return path ? (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={path} />
    </svg>
  ) : null;
}
