/** The addresses that `localhost` stands for. */
export const LOOPBACK_HOSTS: readonly string[] = ['127.0.0.1', '::1']

/** Every loopback address, as ranges (CIDR). */
export const LOOPBACK_RANGES: readonly string[] = ['127.0.0.0/8', '::1/128']

const OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const LOOPBACK = new RegExp(`^(?:::1|(?:::ffff:)?127(?:\\.${OCTET}){3}|::ffff:7f[\\da-f]{2}:[\\da-f]{1,4})$`, 'i')

/** Whether an address, not a name, is one of this machine itself: 127.0.0.0/8, also within IPv6, and ::1. */
export function isLoopback(address: string): boolean {
  return LOOPBACK.test(address)
}
