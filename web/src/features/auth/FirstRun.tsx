import { useState, type FormEvent } from 'react';
import { ApiError } from '@/api/errors';
import { Button, PasswordField, TextField } from '@/ui';
import { createFirstAdmin, signIn } from './api';
import css from './auth.module.css';
import { AuthFrame } from './AuthFrame';
import { Refusal } from './Refusal';

const MIN_PASSWORD = 12;

/** Time zone and country as the browser knows them; both can be changed in Setup. */
function placeOfBrowser(): { time_zone: string; country?: string } {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const { region } = new Intl.Locale(navigator.language);
  return { time_zone: timeZone, ...(region === undefined ? {} : { country: region }) };
}

/** The page behind the one-time link a new installation prints: makes the workspace and its admin. */
export function FirstRun({ token, onDone }: { token: string; onDone: () => void }) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const fieldProblem = (name: string) =>
    problem instanceof ApiError ? problem.fieldMessage(name) : undefined;

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? '').trim();
    const password = String(form.get('password') ?? '');
    setBusy(true);
    setProblem(null);
    try {
      await createFirstAdmin({
        token,
        name: text('name'),
        email: text('email'),
        password,
        workspace_name: text('workspace_name'),
        ...placeOfBrowser(),
      });
      await signIn(text('email'), password);
      onDone();
    } catch (error) {
      setProblem(error);
      setBusy(false);
    }
  };

  return (
    <AuthFrame
      title="Set up your workspace"
      lead="You become its first admin. Colleagues are invited afterwards."
    >
      <form className={css.fields} onSubmit={(event) => void submit(event)}>
        {problem !== null && <Refusal error={problem} />}
        <TextField
          label="Workspace name"
          description="Usually the name of your company."
          name="workspace_name"
          autoComplete="organization"
          required
          withAsterisk={false}
          error={fieldProblem('workspace_name')}
          data-testid="setup-workspace"
        />
        <TextField
          label="Your name"
          name="name"
          autoComplete="name"
          required
          withAsterisk={false}
          error={fieldProblem('name')}
          data-testid="setup-name"
        />
        <TextField
          label="Email"
          name="email"
          type="email"
          autoComplete="username"
          required
          withAsterisk={false}
          error={fieldProblem('email')}
          data-testid="setup-email"
        />
        <PasswordField
          label="Password"
          description={`At least ${MIN_PASSWORD} characters. A sentence is easy to remember.`}
          name="password"
          autoComplete="new-password"
          minLength={MIN_PASSWORD}
          required
          withAsterisk={false}
          error={fieldProblem('password')}
          data-testid="setup-password"
        />
        <Button type="submit" size="md" fullWidth loading={busy} data-testid="setup-submit">
          Create workspace
        </Button>
      </form>
    </AuthFrame>
  );
}
