// @vitest-environment happy-dom
import { render, screen } from '@testing-library/react';
import { expect, it } from 'vitest';
import { ApiError } from '@/api/errors';
import { AppTheme, Failure } from '.';

it.each([
  [new ApiError(404, { code: 'not_found' }), 0],
  [new ApiError(400, { code: 'invalid_id' }), 0],
  [new ApiError(503, {}), 1],
])('offers another attempt only where it can help (%s)', (error, buttons) => {
  render(
    <AppTheme>
      <Failure error={error} onRetry={() => undefined} />
    </AppTheme>,
  );
  expect(screen.queryAllByRole('button', { name: 'Try again' })).toHaveLength(buttons);
});
