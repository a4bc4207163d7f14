/** The virus check of files. */
export interface FileCheck {
  state: 'off' | 'working' | 'failing';
  /** Where the checker is. */
  address: string | null;
  version: string | null;
  /** Why it does not answer, and what to do. */
  problem: string | null;
  /** Files that nobody can open because of it. */
  files: { checking: number; infected: number; unchecked: number };
  /** Why the newest file that waits could not be checked. */
  last_problem: string | null;
}
