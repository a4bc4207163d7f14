import { Component, type ReactNode } from 'react';
import { ApiError, errorWords } from '@/api/errors';
import { Button } from './controls';
import { EmptyState } from './display';

interface Props {
  children: ReactNode;
  /** A change of this value tries again, e.g. the address of the page. */
  resetKey?: string;
}

interface State {
  error: unknown;
  resetKey: string | undefined;
}

/** Keeps a defect inside the part of the screen it happened in. */
export class ErrorBoundary extends Component<Props, State> {
  override state: State = { error: null, resetKey: this.props.resetKey };

  static getDerivedStateFromError(error: unknown): Partial<State> {
    return { error };
  }

  static getDerivedStateFromProps(props: Props, state: State): Partial<State> | null {
    return props.resetKey === state.resetKey ? null : { error: null, resetKey: props.resetKey };
  }

  override render() {
    if (this.state.error === null) return this.props.children;
    return <Failure error={this.state.error} onRetry={() => this.setState({ error: null })} />;
  }
}

/** What is not there is not there at the next attempt either. */
const isFinal = (error: unknown) =>
  error instanceof ApiError && (error.status === 404 || error.code === 'invalid_id');

/** The reason why a part could not be shown, with the way on. */
export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const words = errorWords(error);
  return (
    <div role="alert">
      <EmptyState
        title={words.title}
        action={
          onRetry &&
          !isFinal(error) && (
            <Button emphasis="secondary" onClick={onRetry}>
              Try again
            </Button>
          )
        }
      >
        {words.message}
        {words.code !== null && <> (code: {words.code})</>}
      </EmptyState>
    </div>
  );
}
