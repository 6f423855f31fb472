/** An error answer of a service: `ec2-error.ts` and the like know which HTTP status goes with which code. */
export class ApiError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}
