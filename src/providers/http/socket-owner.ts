import type { Socket, SocketHandler } from 'bun'

/** Whoever a socket's events are for at the moment: kept as its `data`, so that all sockets share one handler. */
export interface SocketOwner {
  onOpen(socket: Socket<SocketOwner>): void
  onHandshake(socket: Socket<SocketOwner>, isTrusted: boolean, error: Error | null): void
  /** The bytes are the owner's: Bun does not use their memory again. */
  onData(bytes: Buffer): void
  onDrain(): void
  /** The other end sent its FIN. */
  onEnd(): void
  onClose(error: Error | undefined): void
}

/** The one handler of every socket. */
export const SOCKET_HANDLER: SocketHandler<SocketOwner> = {
  open: (socket) => socket.data.onOpen(socket),
  handshake: (socket, isTrusted, error) => socket.data.onHandshake(socket, isTrusted, error),
  data: (socket, bytes) => socket.data.onData(bytes),
  drain: (socket) => socket.data.onDrain(),
  end: (socket) => socket.data.onEnd(),
  close: (socket, error) => socket.data.onClose(error),
  // What breaks a socket also closes it, and `close` says so.
  error: () => undefined,
  connectError: () => undefined,
}
