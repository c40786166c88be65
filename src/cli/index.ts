/**
 * Owns: the command line: commands, flags, help, the banner, signals.
 * Calls: everything below.
 * Emits: nothing.
 * Consumes: signals of the system.
 */
export { main } from './main.ts'
