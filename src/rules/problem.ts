/** Why a value or an act is refused: a stable UPPER_SNAKE code and a sentence for people. */
export interface Problem {
  readonly code: string;
  readonly message: string;
}
