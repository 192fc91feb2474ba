/**
 * Who may import whom. The pipeline can be read from the folder list only as long as these arrows hold.
 * A room may use itself, and what its rule names; everything else is refused.
 */
const rooms = {
  // The vocabulary knows nobody, so everybody can speak it.
  lead: [],
  errors: [],
  // Plumbing that knows no business.
  platform: ['errors'],
  // The truth and the hint, each on its own.
  ledger: ['lead', 'errors', 'platform'],
  queue: ['lead', 'errors', 'platform'],
  // What protects the downstreams: breaker, rate, share, pause.
  flow: ['lead', 'errors', 'platform'],
  // The two ports to the outside. They never see each other.
  enrichment: ['lead', 'errors', 'platform'],
  crm: ['lead', 'errors', 'platform'],
  // The front door: it must never wait for a model or a CRM, so it cannot even import one.
  ingress: ['ledger', 'queue', 'lead', 'errors', 'platform'],
  // The only room that sees both ports.
  pipeline: ['ledger', 'queue', 'flow', 'enrichment', 'crm', 'lead', 'errors', 'platform'],
  // From one CRM to another: what the operator's commands do beside the pipeline, at the same rate.
  migration: ['ledger', 'flow', 'crm', 'lead', 'errors', 'platform'],
  recovery: ['ledger', 'queue', 'lead', 'errors', 'platform'],
  // Tells people; it needs no client, so any process may.
  alerts: ['ledger', 'flow', 'lead', 'errors', 'platform'],
  ops: ['ingress', 'ledger', 'queue', 'flow', 'recovery', 'lead', 'errors', 'platform'],
};

const roomRules = Object.entries(rooms).map(([room, allowed]) => ({
  name: `${room}-imports`,
  comment: `src/${room} may import ${allowed.length === 0 ? 'nothing of ours' : allowed.join(', ')}.`,
  severity: 'error',
  from: { path: `^src/${room}/`, pathNot: '\\.spec\\.ts$' },
  to: { path: '^src/', pathNot: `^src/(?:${[room, ...allowed].join('|')})/` },
}));

module.exports = {
  forbidden: [
    ...roomRules,
    {
      name: 'no-circular',
      comment: 'A cycle is two rooms that are really one.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'vocabulary-uses-zod-only',
      comment: 'The vocabulary must load in any process, with nothing behind it.',
      severity: 'error',
      from: { path: '^src/(lead|errors)/', pathNot: '\\.spec\\.ts$' },
      to: { dependencyTypes: ['npm', 'npm-optional', 'npm-dev'], pathNot: 'node_modules/zod/' },
    },
    {
      name: 'bullmq-stays-in-queue',
      comment: 'The queue is a hint: nobody else may depend on how it is kept.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/queue/' },
      to: { path: 'node_modules/bullmq/' },
    },
    {
      name: 'providers-only-through-their-registry',
      comment: 'A provider is one folder and one line; nobody else knows that it is there.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(?:enrichment|crm)/(?:registry\\.ts$|[^/]+/)' },
      to: { path: '^src/(?:enrichment|crm)/[^/]+/' },
    },
    {
      name: 'providers-apart',
      comment:
        'A provider that imports another cannot be removed by deleting its folder. enrichment/model is no provider but what the ' +
        'models share; it alone uses the heuristic, which is the yardstick of its guards and holds the ideal-customer profile.',
      severity: 'error',
      from: { path: '^src/(enrichment|crm)/([^/]+)/', pathNot: '^src/enrichment/model/' },
      to: { path: '^src/$1/[^/]+/', pathNot: ['^src/$1/$2/', '^src/enrichment/model/'] },
    },
    {
      name: 'model-knows-no-provider',
      comment: 'What the models share must not depend on one of them.',
      severity: 'error',
      from: { path: '^src/enrichment/model/' },
      to: { path: '^src/enrichment/[^/]+/', pathNot: '^src/enrichment/(?:model|heuristic)/' },
    },
    {
      name: 'api-never-loads-clients',
      comment: 'An api process must start and run without any AI or CRM client.',
      severity: 'error',
      from: { path: '^src/(app\\.module|start|start-block)\\.ts$' },
      to: { path: '^src/(pipeline|enrichment|crm|recovery)/', dependencyTypesNot: ['dynamic-import'] },
    },
    {
      name: 'no-tests-in-src',
      comment: 'Nothing in src knows that a fake exists.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|samples)/' },
    },
    {
      name: 'no-dev-dependencies',
      comment: 'A production installation has none of them.',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.spec\\.ts$' },
      to: { dependencyTypes: ['npm-dev'], pathNot: 'node_modules/@types/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types', 'default'] },
  },
};
