"""What payment's verbs reach beyond their tables."""

from dataclasses import dataclass, field

from theatre.contracts.short_link import ShortLinkClient
from theatre.kit.clock import Clock
from theatre.payment.fiscal import Registers
from theatre.payment.flights import Flights
from theatre.payment.providers import Provider, Providers, choose
from theatre.payment.statements import Statements
from theatre.payment.states import States


@dataclass(frozen=True)
class Outside:
    """Ports, and the addresses we have to know. `public_url` has no slash at its end.

    `registers` are the payment systems that register fiscal receipts, by name.
    """

    providers: Providers
    default_provider: str
    states: States
    links: ShortLinkClient
    clock: Clock
    public_url: str
    statements: Statements = field(default_factory=dict)
    registers: Registers = field(default_factory=dict)
    flights: Flights = field(default_factory=Flights)

    def provider(self, name: str | None) -> Provider:
        """Give the provider of a name, or the default one.

        Raises:
            ProviderUnknown
        """
        return choose(self.providers, name or self.default_provider)
