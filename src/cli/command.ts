/** What follows a command on its line. */
export interface CommandInput {
  /** Values of the flags that the command knows. */
  readonly flags: ReadonlyMap<string, string | true>
  /** Everything that follows the command, without `--data` and its value. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
}

export interface Flag {
  /** What stands for its value in the help; none for a switch. */
  readonly value?: string
  readonly help: string
}

/** One word of the command line. */
export interface Command {
  readonly name: string
  readonly summary: string
  /** What follows the name, one line for each form. */
  readonly usage: readonly string[]
  /** By name, with the two dashes. */
  readonly flags: Readonly<Record<string, Flag>>
  /** Whether words without dashes may follow. */
  readonly words: boolean
  /** Resolves to the exit code: 0 done, 1 not done, 2 not understood. */
  run(input: CommandInput): Promise<number>
}
