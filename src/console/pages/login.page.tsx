import { Notice } from '../components/blocks.js';
import { Document } from '../layout.js';

/** Where to go after signing in; always an address of this console. */
export function LoginPage({ env, next, problem }: { env: 'MOCK' | 'REAL'; next: string; problem: string | null }) {
  return (
    <Document title="Sign in">
      <main class="login">
        <span class="row">
          <img src="/console/assets/icon.svg" width="36" height="36" alt="" />
          <h1>RevenueFlow AI</h1>
          <span class={`badge env-${env.toLowerCase()} push`}>{env}</span>
        </span>
        {problem ? <Notice tone="bad" title={problem} /> : null}
        <form method="post" action="/console/login" class="card">
          <input type="hidden" name="next" value={next} />
          <label class="field">
            <span>Token: the secret of one entry of OPS_TOKENS</span>
            <input name="token" type="password" required autoComplete="current-password" />
          </label>
          <div>
            <button class="primary">Sign in</button>
          </div>
        </form>
        <p class="muted">The session ends after 12 hours, or when you sign out.</p>
      </main>
    </Document>
  );
}
