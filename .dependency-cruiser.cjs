/**
 * Which module may import which. A module may import itself and the modules that its rule names; everything else is
 * refused. The folder list shows the pipeline only while these rules hold.
 */
const modules = {
  // Keys, states, errors: usable in every process, so it depends on nothing.
  domain: [],
  // Infrastructure without business rules.
  platform: ['domain'],
  // PostgreSQL, the source of truth, and BullMQ. Neither knows the other.
  ledger: ['domain', 'platform'],
  queue: ['domain', 'platform'],
  // Circuit breakers, rate limits, concurrency shares, pause.
  'flow-control': ['domain', 'platform'],
  // The two ports to third parties. They do not import each other.
  enrichment: ['domain', 'platform'],
  crm: ['domain', 'platform'],
  // An acknowledgement must not wait for a model or a CRM, so ingress cannot import one.
  ingress: ['ledger', 'queue', 'domain', 'platform'],
  // A repair takes a lead in through the code of the webhook. Its client is held to less below.
  marketo: ['ingress', 'ledger', 'queue', 'outcomes', 'domain', 'platform'],
  // Other scorers beside the one in use. It knows no stage: the pipeline says when trials may run.
  trials: ['ledger', 'enrichment', 'outcomes', 'domain', 'platform'],
  // The only module that imports both ports.
  pipeline: ['ledger', 'queue', 'flow-control', 'enrichment', 'crm', 'outcomes', 'routing', 'trials', 'domain', 'platform'],
  // What became of leads. Of the CRM it knows the types of its port.
  outcomes: ['ledger', 'crm', 'domain', 'platform'],
  // Who owns a lead. Of the CRM it knows the types of its port.
  routing: ['ledger', 'flow-control', 'crm', 'outcomes', 'domain', 'platform'],
  // The clock of assigned leads, and notices to owners. Of the CRM it knows the types of its port.
  'first-touch': ['routing', 'outcomes', 'ledger', 'flow-control', 'crm', 'domain', 'platform'],
  alerts: ['ledger', 'flow-control', 'domain', 'platform'],
  // Of enrichment only the rules, which call no other system.
  ops: [
    'alerts',
    'ingress',
    'ledger',
    'queue',
    'flow-control',
    'enrichment',
    'outcomes',
    'routing',
    'first-touch',
    'trials',
    'domain',
    'platform',
  ],
  // Pages over the services of ops; no SQL of its own.
  console: ['ops', 'ledger', 'outcomes', 'routing', 'trials', 'domain', 'platform'],
  // Commands speak HTTP; those for the CRM and the database use the services.
  cli: ['ops', 'ledger', 'flow-control', 'crm', 'marketo', 'outcomes', 'routing', 'first-touch', 'trials', 'domain', 'platform'],
};

const moduleRules = Object.entries(modules).map(([name, allowed]) => ({
  name: `${name}-imports`,
  comment: `src/${name} may import ${allowed.length === 0 ? 'no other module' : allowed.join(', ')}.`,
  severity: 'error',
  from: { path: `^src/${name}/`, pathNot: '\\.spec\\.ts$' },
  to: { path: '^src/', pathNot: `^src/(?:${[name, ...allowed].join('|')})/` },
}));

module.exports = {
  forbidden: [
    ...moduleRules,
    {
      name: 'no-circular',
      comment: 'Modules in a cycle cannot be understood or tested separately.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'domain-uses-zod-only',
      comment: 'The domain must load in any process without other dependencies.',
      severity: 'error',
      from: { path: '^src/domain/', pathNot: '\\.spec\\.ts$' },
      to: { dependencyTypes: ['npm', 'npm-optional', 'npm-dev'], pathNot: 'node_modules/zod/' },
    },
    {
      name: 'bullmq-stays-in-queue',
      comment: 'Only src/queue depends on the queue library, so that it can be replaced.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/queue/' },
      to: { path: 'node_modules/bullmq/' },
    },
    {
      name: 'providers-only-through-their-registry',
      comment: 'A provider is one folder and one line in its registry; no other module imports it.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(?:enrichment|crm)/(?:registry\\.ts$|score-by-rules\\.ts$|[^/]+/)' },
      to: { path: '^src/(?:enrichment|crm)/[^/]+/' },
    },
    {
      name: 'providers-apart',
      comment:
        'A provider that imports another cannot be removed by deleting its folder. enrichment/model is not a provider: it is what ' +
        'the models share. It imports the heuristic, which its answer guards compare with and which holds the customer profile.',
      severity: 'error',
      from: { path: '^src/(enrichment|crm)/([^/]+)/', pathNot: '^src/enrichment/model/' },
      to: { path: '^src/$1/[^/]+/', pathNot: ['^src/$1/$2/', '^src/enrichment/model/'] },
    },
    {
      name: 'model-knows-no-provider',
      comment: 'Code shared by the models must not depend on one of them.',
      severity: 'error',
      from: { path: '^src/enrichment/model/' },
      to: { path: '^src/enrichment/[^/]+/', pathNot: '^src/enrichment/(?:model|heuristic)/' },
    },
    {
      name: 'ops-scores-by-rules-only',
      comment: 'An api process must not load an AI client; the rules have none.',
      severity: 'error',
      from: { path: '^src/ops/' },
      to: { path: '^src/enrichment/', pathNot: '^src/enrichment/score-by-rules\\.ts$' },
    },
    {
      name: 'api-never-loads-clients',
      comment: 'An api process must start and run without any AI, CRM or Marketo client.',
      severity: 'error',
      from: { path: '^src/(app\\.module|bootstrap|startup-banner)\\.ts$' },
      to: { path: '^src/(pipeline|enrichment|crm|marketo)/', dependencyTypesNot: ['dynamic-import'] },
    },
    {
      name: 'marketo-client-apart',
      comment: 'The client knows Marketo and nothing of the ledger, as the clients of the CRM do.',
      severity: 'error',
      from: { path: '^src/marketo/client/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^src/', pathNot: '^src/(?:marketo/client|domain|platform)/' },
    },
    {
      name: 'outcomes-load-no-client',
      comment: 'An api process loads src/outcomes for its reports, so only the types of the CRM port may be named there.',
      severity: 'error',
      from: { path: '^src/outcomes/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^src/crm/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'trials-score-in-workers-only',
      comment: 'An api process loads the reports of src/trials; only a worker opens scorers.',
      severity: 'error',
      from: { path: '^src/(?:ops|console|cli)/|^src/trials/trials\\.(?:module|service)\\.ts$' },
      to: { path: '^src/trials/(?:worker-parts|trial-scorers|open-challenger|trials\\.poller)\\.ts$' },
    },
    {
      name: 'routing-loads-no-client',
      comment: 'An api process loads src/routing for its pages, so only the types of the CRM port may be named there.',
      severity: 'error',
      from: { path: '^src/routing/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^src/crm/', pathNot: '^src/crm/consumer-domains\\.ts$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'first-touch-loads-no-client',
      comment:
        'An api process loads src/first-touch for its links and reports, so only the types of the CRM port may be named there.',
      severity: 'error',
      from: { path: '^src/first-touch/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^src/crm/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-tests-in-src',
      comment: 'Production code does not depend on tests, benchmarks or samples.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|samples)/' },
    },
    {
      name: 'no-dev-dependencies',
      comment: 'Development dependencies are missing in a production installation.',
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
