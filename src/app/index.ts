/**
 * Owns: the composition root: settings, the process lock, and every part built in order.
 * Calls: everything below.
 * Emits: nothing.
 * Consumes: nothing.
 */
export { type App, createApp, type Overrides } from './create-app.ts'
