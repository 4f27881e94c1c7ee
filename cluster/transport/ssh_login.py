"""Show a host our keys, one after the other, until it takes one."""

from dataclasses import dataclass

import paramiko

from cluster.transport.ssh_errors import MoreThanAKey, NotLetIn
from cluster.transport.ssh_identities import Offer, Offers, agent_at, offers_of
from cluster.transport.ssh_options import Options


def log_in(options: Options, transport: paramiko.Transport, limit_s: float) -> None:
    """Raises NotLetIn, MoreThanAKey and paramiko's own errors."""
    agent = agent_at(options.agent, limit_s)
    try:
        offers = offers_of(options, agent.get_keys() if agent else ())
        Caller(options.user, transport, offers).show_all()
    finally:
        if agent:
            agent.close()


@dataclass
class Caller:
    user: str
    transport: paramiko.Transport
    offers: Offers
    refused: int = 0

    def show_all(self) -> None:
        """At the end no key at all, which some servers take."""
        try:
            if not any(self.is_taken(offer) for offer in self.offers.offers):
                self.transport.auth_none(self.user)
        except paramiko.BadAuthenticationType as error:
            raise NotLetIn(self.refused, self.offers, tuple(error.allowed_types)) from None
        except MoreThanAKey:
            raise
        except paramiko.SSHException:
            if not self.refused or self.transport.is_active():
                raise
            raise NotLetIn(self.refused, self.offers, (), hung_up=True) from None

    def is_taken(self, offer: Offer) -> bool:
        offer.key.public_blob = offer.certificate
        try:
            wanted = self.transport.auth_publickey(self.user, offer.key)
        except paramiko.BadAuthenticationType:
            raise
        except paramiko.AuthenticationException as error:
            if "timeout" in str(error).lower():  # paramiko has no kind of its own
                raise
            self.refused += 1
            return False
        if wanted:
            raise MoreThanAKey(", ".join(wanted))
        return True
