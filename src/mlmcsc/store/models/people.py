"""Technicians, and the accounts through which people will sign in."""

from __future__ import annotations

import sqlalchemy as sa

from mlmcsc.store.base import created_at, flag, fraction, not_negative, reference, table
from mlmcsc.store.types import Json, UtcDateTime, sealed_text

technicians = table(
    "technicians",
    sa.Column("technician_id", sa.String(50), nullable=False, unique=True),
    sa.Column("name", sealed_text(100), nullable=False),
    sa.Column("email", sealed_text(100)),
    sa.Column("department", sealed_text(100)),
    sa.Column("experience_level", sa.String(20)),
    created_at(),
    sa.Column("last_active", UtcDateTime),
    flag("is_active", default=True),
    sa.Column("total_labels", sa.Integer, nullable=False, server_default="0"),
    sa.Column("accuracy_score", sa.Float),
    sa.Column("accuracy_labels", sa.Integer),
    sa.Column("accuracy_scored_at", UtcDateTime),
    sa.Index("idx_technicians_is_active", "is_active"),
    fraction("accuracy_score"),
    not_negative("total_labels"),
    not_negative("accuracy_labels"),
)

accounts = table(
    "accounts",
    sa.Column("username", sa.String(100), nullable=False, unique=True),
    sa.Column("password_hash", sa.String(255)),
    sa.Column("role", sa.String(32), nullable=False),
    reference("technician_id", "technicians", nullable=True),
    flag("is_active", default=True),
    created_at(),
    sa.Column("last_login", UtcDateTime),
)

sessions = table(
    "sessions",
    reference("account_id", "accounts", ondelete="CASCADE"),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    created_at(),
    sa.Column("last_seen", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False, index=True),
    sa.Column("revoked_at", UtcDateTime),
    sa.Column("ip_address", sealed_text(45)),
    sa.Column("user_agent", sealed_text(500)),
    sa.Index("idx_sessions_account_id", "account_id"),
)

api_tokens = table(
    "api_tokens",
    reference("account_id", "accounts", ondelete="CASCADE"),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("prefix", sa.String(16), nullable=False),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("scopes", Json, nullable=False),
    created_at(),
    sa.Column("expires_at", UtcDateTime),
    sa.Column("last_used", UtcDateTime),
    sa.Column("revoked_at", UtcDateTime),
    sa.Index("idx_api_tokens_account_id", "account_id"),
)

login_attempts = table(
    "login_attempts",
    sa.Column("username", sa.String(100), nullable=False),
    sa.Column("ip_address", sealed_text(45)),
    sa.Column("timestamp", UtcDateTime, nullable=False),
    sa.Column("succeeded", sa.Boolean, nullable=False),
    sa.Index("idx_login_attempts_username_timestamp", "username", "timestamp"),
)
