import { Notice } from '../components/blocks.js';
import { Document } from '../layout.js';

interface LoginPageProps {
  env: 'MOCK' | 'REAL';
  /** Where to go after signing in; always an address of this console. */
  next: string;
  problem: string | null;
  /** No OPS_TOKENS are set, so there is nothing to sign in with. */
  isOpen: boolean;
}

export function LoginPage({ env, next, problem, isOpen }: LoginPageProps) {
  return (
    <Document title="Sign in">
      <main class="login">
        <span class="row">
          <img src="/console/assets/icon.svg" width="36" height="36" alt="" />
          <h1>RevenueFlow AI</h1>
          <span class={`badge env-${env.toLowerCase()} push`}>{env}</span>
        </span>
        {problem ? <Notice tone="bad" title={problem} /> : null}
        {isOpen ? (
          <Notice title="No sign-in is needed">
            <p>
              OPS_TOKENS is not set, so the console is open on this machine. <a href={next}>Open the console</a>.
            </p>
          </Notice>
        ) : null}
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

/** Asks for a page again, as a page of this site: then a browser that is signed in sends its session. */
export function ReturnPage({ to }: { to: string }) {
  return (
    <Document title="Continue" continueAt={to}>
      <main class="login">
        <h1>RevenueFlow AI</h1>
        <p>
          <a href={to}>Continue</a>
        </p>
      </main>
    </Document>
  );
}
