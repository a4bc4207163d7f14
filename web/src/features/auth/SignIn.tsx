import { useRef, useState, type FormEvent } from 'react';
import { Button, PasswordField, TextField } from '@/ui';
import { signIn } from './api';
import css from './auth.module.css';
import { AuthFrame } from './AuthFrame';
import { Refusal } from './Refusal';

export function SignIn({ onSignedIn }: { onSignedIn: () => void }) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const password = useRef<HTMLInputElement>(null);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setProblem(null);
    try {
      await signIn(String(form.get('email')).trim(), String(form.get('password')));
      onSignedIn();
    } catch (error) {
      setProblem(error);
      setBusy(false);
      // The button was out of use meanwhile and has lost the focus; what was typed is most likely to be wrong here.
      password.current?.focus();
      password.current?.select();
    }
  };

  return (
    <AuthFrame title="Sign in" lead="Go on where you left off.">
      <form className={css.fields} onSubmit={(event) => void submit(event)}>
        {problem !== null && <Refusal error={problem} />}
        <TextField
          label="Email"
          name="email"
          type="email"
          autoComplete="username"
          required
          withAsterisk={false}
          size="md"
          autoFocus
          data-testid="login-email"
        />
        <PasswordField
          ref={password}
          label="Password"
          name="password"
          autoComplete="current-password"
          required
          withAsterisk={false}
          size="md"
          data-testid="login-password"
        />
        <Button type="submit" size="md" fullWidth loading={busy} data-testid="login-submit">
          Sign in
        </Button>
      </form>
    </AuthFrame>
  );
}
