"""From a document of the shop to exactly one invoice: durable workflows, the ledger, sweeps and the daemon."""
