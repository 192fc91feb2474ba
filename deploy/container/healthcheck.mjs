// The container's health check: exit code 0 while the service answers on PORT. The same for ROLE=api and ROLE=worker,
// since both serve /health/live.
const port = process.env.PORT || '3000';
const healthy = await fetch(`http://127.0.0.1:${port}/health/live`, { signal: AbortSignal.timeout(2500) }).then(
  ({ ok }) => ok,
  () => false,
);
process.exit(healthy ? 0 : 1);
