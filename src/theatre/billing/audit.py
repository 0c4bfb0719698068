"""Billing's audit."""

from theatre.billing.models import AuditRecord
from theatre.kit.audit import Act, Audit, Chain

__all__ = ["Act", "Chain", "find", "record", "verify"]

AUDIT = Audit(AuditRecord)
record, find, verify = AUDIT.record, AUDIT.find, AUDIT.verify
