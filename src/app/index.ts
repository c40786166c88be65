/**
 * Owns: the composition root: settings, the process lock, and every part built in order.
 * Calls: everything below.
 * Emits: nothing.
 * Consumes: nothing.
 */
export { type App, createApp, type Overrides } from './create-app.ts'
export { portHolder } from './port-holder.ts'
export { ProcessLock } from './process-lock.ts'
export { type ProcessRecord, readProcess } from './process-record.ts'
export { readSettings, type Settings, type SettingName, unknownSettings } from './settings.ts'
