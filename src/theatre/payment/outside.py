"""What payment's verbs reach beyond their tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from theatre.contracts.short_link import ShortLinkClient
from theatre.kit.clock import Clock
from theatre.kit.money import Money
from theatre.payment.errors import AmountTooSmall
from theatre.payment.fiscal import Registers
from theatre.payment.flights import Flights
from theatre.payment.providers import Chargers, DisputeDesks, Provider, Providers, choose
from theatre.payment.statements import Statements
from theatre.payment.states import States


@dataclass(frozen=True)
class Outside:
    """Ports, and the addresses we have to know. `public_url` has no slash at its end.

    `registers` are the payment systems that register fiscal receipts, `dispute_desks` those that show disputes,
    `chargers` those that keep ways to pay and take money by them.
    `routes` are the providers that are tried for a currency where none is named, in their order.
    """

    providers: Providers
    default_provider: str
    states: States
    links: ShortLinkClient
    clock: Clock
    public_url: str
    statements: Statements = field(default_factory=dict)
    dispute_desks: DisputeDesks = field(default_factory=dict)
    registers: Registers = field(default_factory=dict)
    chargers: Chargers = field(default_factory=dict)
    flights: Flights = field(default_factory=Flights)
    routes: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def provider(self, name: str | None) -> Provider:
        """Give the provider of a name, or the default one.

        Raises:
            ProviderUnknown
        """
        return choose(self.providers, name or self.default_provider)

    def choose(self, name: str | None, total: Money) -> Provider:
        """Give the provider of a name, or the first on the route of an amount.

        Raises:
            ProviderUnknown
            AmountTooSmall: it takes no amount so small, or none on the route does.
        """
        takers = self._takers([name] if name else self._route(total.currency), total)
        if not takers:
            raise AmountTooSmall
        return self.provider(takers[0])

    def after(self, provider: str, total: Money) -> str | None:
        """Name the provider that comes next on the route of an amount; None at its end, and off it."""
        route = list(self._route(total.currency))
        following = self._takers(route[route.index(provider) + 1 :] if provider in route else [], total)
        return following[0] if following else None

    def _route(self, currency: str) -> Sequence[str]:
        """Name the providers for a currency: a currency without a route has the default one alone."""
        return self.routes.get(currency) or (self.default_provider,)

    def _takers(self, names: Sequence[str], total: Money) -> Sequence[str]:
        return [name for name in names if self.provider(name).capabilities.takes(total)]
