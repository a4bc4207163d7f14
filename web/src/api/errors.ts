export interface FieldProblem {
  field: string;
  message: string;
}

export interface ProblemDocument {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  code?: string;
  errors?: FieldProblem[];
}

/** A refused or failed request. `message` is fit to show: what happened, why, what to do. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string | null;
  readonly fields: FieldProblem[];

  constructor(status: number, problem: ProblemDocument) {
    const code = problem.code ?? codeOfStatus(status);
    const words = wordsFor(code, status, problem);
    super(words.message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.title = words.title;
    this.detail = problem.detail ?? null;
    this.fields = problem.errors ?? [];
  }

  /** The problem of one form field, if the server named it. */
  fieldMessage(field: string): string | undefined {
    return this.fields.find((problem) => problem.field === field)?.message;
  }

  /** Nothing was decided by the server, so the same request may be sent again. */
  get retryable(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 502;
  }
}

export const NETWORK_ERROR: ProblemDocument = { code: 'network' };

function codeOfStatus(status: number): string {
  switch (status) {
    case 0:
      return 'network';
    case 401:
      return 'unauthenticated';
    case 403:
      return 'forbidden';
    case 404:
      return 'not_found';
    case 409:
      return 'conflict';
    case 413:
      return 'too_large';
    case 422:
      return 'invalid';
    case 429:
      return 'rate_limited';
    default:
      return status >= 500 ? 'server_error' : 'request_failed';
  }
}

interface Words {
  title: string;
  /** What to do; the server's own detail comes first when it sent one. */
  advice: string;
}

const FALLBACK: Words = {
  title: 'The request was refused',
  advice: 'Reload the page and try again.',
};

const WORDS: Record<string, Words> = {
  network: {
    title: 'No connection to Segue',
    advice: 'Check your network. The page reconnects by itself as soon as the server answers.',
  },
  unauthenticated: { title: 'You are signed out', advice: 'Sign in again to go on.' },
  signed_in_as_another: {
    title: 'Somebody else is signed in now',
    advice: 'This browser has changed to another user, in another tab. Nothing was done here.',
  },
  wrong_credentials: {
    title: 'Email or password is wrong',
    advice: 'Check both and try again. An admin can set a new password for you.',
  },
  forbidden: {
    title: 'Your role does not allow this',
    advice: 'Ask an admin of this workspace if you need it.',
  },
  not_found: {
    title: 'Not found',
    advice: 'It may have been deleted. Go back and reload the list.',
  },
  invalid_id: {
    title: 'Not found',
    advice: 'The address is incomplete or mistyped. Go back to the list and open it from there.',
  },
  conflict: {
    title: 'Somebody changed this in the meantime',
    advice: 'Reload to see the current state, then try again.',
  },
  window_closed: {
    title: 'The 24-hour window is closed',
    advice:
      'WhatsApp allows only approved templates now. Send a template to reopen the conversation.',
  },
  newer_reply: {
    title: 'A colleague has just replied',
    advice: 'Read the new reply first. Your text is kept; send it again if it still fits.',
  },
  not_owner: {
    title: 'This conversation belongs to another agent',
    advice: 'Take it over to reply, or leave a note.',
  },
  text_too_long: {
    title: 'The text is too long',
    advice: 'WhatsApp allows 4,096 characters in one message. Shorten it or send it in parts.',
  },
  offer_gone: {
    title: 'This offer is gone',
    advice: 'It expired or another agent took it. The next one comes to you by itself.',
  },
  campaign_state: {
    title: 'The campaign is not in the right state for this',
    advice: 'It was started, paused or finished elsewhere. The page shows its current state now.',
  },
  consent_evidence_required: {
    title: 'A consent needs evidence',
    advice: 'Give the wording the customer agreed to and where the proof is kept.',
  },
  idempotency_key_mismatch: {
    title: 'This request was already sent with other content',
    advice: 'Reload the page and try once more.',
  },
  idempotency_in_flight: {
    title: 'The same request is still running',
    advice: 'Wait a moment; the result appears by itself.',
  },
  too_many_attempts: {
    title: 'Too many attempts',
    advice: 'Wait a few minutes, then try again.',
  },
  invalid_setup_token: {
    title: 'This link is used up or has expired',
    advice: 'Start Segue again to get a new one, or sign in.',
  },
  session_ended: {
    title: 'This conversation has ended',
    advice: 'A new message from the customer opens the next one.',
  },
  opted_out: {
    title: 'The customer does not want messages',
    advice: 'They took their consent back. Wait until they write again.',
  },
  no_address: {
    title: 'The customer cannot be reached here',
    advice: 'WhatsApp gave no address for them. Try another channel.',
  },
  at_capacity: {
    title: 'No free capacity',
    advice: 'End a conversation first, or hand one over.',
  },
  agent_offline: {
    title: 'This agent is not available',
    advice: 'Choose another agent, or a queue.',
  },
  case_exists: {
    title: 'There is a case already',
    advice: 'The customer panel shows it; one conversation has one case.',
  },
  template_not_approved: {
    title: 'This template is not approved',
    advice: 'Choose another one. Approval is given by WhatsApp.',
  },
  template_refused: {
    title: 'The customer does not want this template',
    advice: 'They have said no to it or to messages of its kind. Choose another one.',
  },
  customer_blocked: {
    title: 'This customer is blocked',
    advice: 'Nothing can be sent to them. Unblock them in the customer panel first.',
  },
  template_parameters: {
    title: 'The template needs other values',
    advice: 'Fill in every value once and send it again.',
  },
  sender_not_active: {
    title: 'The sender is not registered yet',
    advice: 'Choose another sender, or wait for the registration at the carrier.',
  },
  unknown_fields: {
    title: 'The text uses an unknown field',
    advice: 'Check the names between the double braces.',
  },
  text_syntax: {
    title: 'The text cannot be read',
    advice: 'Check the double braces: {{ first_name }}.',
  },
  phone_taken: {
    title: 'There is a contact with this number',
    advice: 'Search for it and change that one.',
  },
  email_taken: {
    title: 'There is a user with this email',
    advice: 'Choose another address, or change that user.',
  },
  last_admin: {
    title: 'This is the last admin',
    advice: 'Make somebody else an admin first.',
  },
  unreadable_file: {
    title: 'The file cannot be read',
    advice: 'Save it as CSV in UTF-8 and try again.',
  },
  flow_invalid: { title: 'The flow has problems', advice: 'Correct what is listed, then publish.' },
  too_large: { title: 'The file is too large', advice: 'Choose a smaller file.' },
  invalid: { title: 'Some fields need another look', advice: 'Correct the marked fields.' },
  rate_limited: { title: 'Too many requests', advice: 'Wait a few seconds, then try again.' },
  server_error: {
    title: 'Segue could not do this',
    advice: 'Nothing was changed. Try again; if it stays, show the code to your admin.',
  },
  request_failed: { title: 'The request was refused', advice: 'Reload the page and try again.' },
};

function wordsFor(code: string, status: number, problem: ProblemDocument) {
  const words = WORDS[code] ?? WORDS[codeOfStatus(status)] ?? FALLBACK;
  const reason = problem.detail ?? '';
  // The server's own detail says what happened and what to do; the advice stands in for a missing one.
  const message = reason === '' ? words.advice : /[.!?]$/.test(reason) ? reason : `${reason}.`;
  return { title: words.title, message };
}

/** Words for anything that was thrown: an `ApiError` speaks for itself, a defect gets a plain line. */
export function errorWords(error: unknown): {
  title: string;
  message: string;
  code: string | null;
} {
  if (error instanceof ApiError) {
    return { title: error.title, message: error.message, code: error.code };
  }
  return {
    title: 'Something went wrong on this page',
    message: 'Reload the page. If it happens again, tell your admin what you did last.',
    code: null,
  };
}
