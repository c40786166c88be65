import { busContract } from './bus.contract.ts'
import { InProcessBus } from './in-process-bus.ts'

busContract('InProcessBus', (capacity) => new InProcessBus(capacity))
