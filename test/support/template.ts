/** The migrated database of which each test file gets a copy. */
export const TEMPLATE = 'revenueflow_template';
