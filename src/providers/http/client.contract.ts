import { describe } from 'bun:test'
import { connectionsContract } from './connections.contract.ts'
import { type ClientUnderTest, contractHarness } from './contract-harness.ts'
import { exchangeContract } from './exchange.contract.ts'
import { failuresContract } from './failures.contract.ts'

/** What every HttpClient does, against servers at the level of bytes. */
export function httpClientContract(subject: ClientUnderTest): void {
  describe(subject.name, () => {
    const harness = contractHarness(subject)
    exchangeContract(harness)
    failuresContract(harness, subject)
    connectionsContract(harness)
  })
}
