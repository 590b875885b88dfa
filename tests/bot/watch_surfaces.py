"""The messages and forms of the watch, from the same samples as all others."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

from bot.views import alerts, connectors, digest, reminders, reports
from bot.views.alerts import Ill
from bot.views.blocks import Message, View
from bot.views.connectors import Ending
from bot.views.reminders import Warned
from bot.views.reports import Reported
from services.digest import Week
from storage.connector_records import Connector, ConnectorKind
from storage.entra_records import EntraAccount, EntraStanding
from storage.records import Token
from storage.states import (
    AlertState,
    AnswerKind,
    Health,
    ReminderState,
    ReportKind,
    ReportState,
    TokenState,
)
from storage.watch_records import Alert, Answer, Keeping, Reminder, Report
from tests.bot.samples import AMIR, NOW, OLIVIA, OTTO, ZONE, Sample, made

DAY = timedelta(days=1)


def watch_messages(sample: Sample) -> dict[str, Message]:
    """Every message of the watch."""
    return {
        **_reminders(sample),
        **_alerts(sample),
        **_reports(sample),
        **_digests(sample),
        **_endings(sample),
    }


def watch_views(sample: Sample) -> dict[str, View]:
    """Every form of the watch."""
    token = sample.token
    others = [replace(token, id=f"{number:032x}") for number in range(3)]
    return {
        "snooze_form": reminders.snooze_form(token, date(2026, 3, 7), date(2026, 3, 20)),
        "snoozed": reminders.snoozed(token, date(2026, 3, 12)),
        "report_choice": reports.choice(),
        "report_password_form": reports.password_form(["it-admin@schools.example"]),
        "report_leaver_form": reports.leaver_form(),
        "report_taken": reports.reported(2),
        "hand_over_form": reports.hand_over_form(others),
        "handed_over_view": reports.handed(3),
        "connector_snooze_form": connectors.snooze_form(
            _connector(sample), date(2026, 3, 7), date(2026, 3, 20)
        ),
        "connector_snoozed": connectors.snoozed(date(2026, 3, 12)),
    }


def warned(sample: Sample, left: int, **more: object) -> Warned:
    """A reminder that many days before the end."""
    row = made(
        Reminder,
        id="e" * 32,
        token_id=sample.token.id,
        expires_at=NOW + left * DAY,
        rung=left,
        due_at=NOW,
        state=ReminderState.SENT,
        decided_at=NOW,
    )
    known = Warned(
        reminder=row,
        token=sample.token,
        days_left=left,
        snoozable=left > 0,
        answer=None,
        renewed_by=None,
    )
    return replace(known, **more)  # type: ignore[arg-type]


def _answer(kind: AnswerKind) -> Answer:
    return made(Answer, kind=kind, person=AMIR, until=NOW + 3 * DAY)


def _reminders(sample: Sample) -> dict[str, Message]:
    soon = warned(sample, 6)
    over = warned(sample, -3)
    closed = replace(soon, reminder=replace(soon.reminder, closed_at=NOW), renewed_by=OLIVIA)
    gone = replace(closed, token=replace(sample.token, state=TokenState.DELETED))
    many = [
        replace(
            soon,
            token=replace(sample.token, id=f"{number:032x}"),
            reminder=replace(soon.reminder, id=f"{number:032x}"),
        )
        for number in range(20)
    ]
    return {
        "reminder": reminders.reminder([warned(sample, 30)], ZONE),
        "reminder_last_week": reminders.reminder([soon], ZONE),
        "reminder_today": reminders.reminder([warned(sample, 0)], ZONE),
        "reminder_expired": reminders.reminder([over], ZONE),
        "reminder_on_it": reminders.reminder(
            [replace(soon, answer=_answer(AnswerKind.ON_IT))], ZONE
        ),
        "reminder_snoozed": reminders.reminder(
            [replace(soon, answer=_answer(AnswerKind.SNOOZED))], ZONE
        ),
        "reminder_renewed": reminders.reminder([closed], ZONE),
        "reminder_deleted": reminders.reminder([gone], ZONE),
        "reminder_many": reminders.reminder([closed, *many[1:]], ZONE),
        "reminder_owner": reminders.for_owner([soon], ZONE),
        "escalation": reminders.escalation(soon, ZONE),
        "escalation_answered": reminders.escalation(
            replace(soon, answer=_answer(AnswerKind.ON_IT)), ZONE
        ),
        "escalation_over": reminders.escalation(closed, ZONE),
        "owner_not_reached": reminders.owner_not_reached(OTTO, [soon, over], ZONE),
    }


def ill(sample: Sample, health: Health, **more: object) -> Ill:
    """An alert of that class."""
    row = made(
        Alert,
        id="a" * 32,
        token_id=sample.token.id,
        health=health,
        state=AlertState.OPEN,
        began_at=NOW,
        evidence="/session: HTTP 403, T_C_NOT_SIGNED",
        due_at=NOW,
        post_id="p" * 32,
        said_at=NOW,
        times_said=1,
    )
    keeping = made(
        Keeping,
        token_id=sample.token.id,
        healthy_at=NOW - 2 * DAY,
        healthy_admin=sample.token.apple_id,
    )
    return Ill(alert=replace(row, **more), token=sample.token, keeping=keeping)  # type: ignore[arg-type]


def _alerts(sample: Sample) -> dict[str, Message]:
    shown = {
        f"alert_{health.value}": alerts.health_alert([ill(sample, health)], ZONE)
        for health in alerts.CLASSES
    }
    ended = {"state": AlertState.ENDED, "ended_at": NOW + timedelta(hours=26)}
    clear = ill(sample, Health.TERMS_UNSIGNED, became=Health.OK, **ended)
    became = ill(sample, Health.TERMS_UNSIGNED, became=Health.SUPERSEDED, **ended)
    gone = ill(sample, Health.TERMS_UNSIGNED, became=None, **ended)
    outage = [
        replace(one, alert=replace(one.alert, id=f"{number:032x}"))
        for number, one in enumerate([ill(sample, Health.UNREACHABLE)] * 3)
    ]
    return shown | {
        "alert_outage": alerts.health_alert(outage, ZONE),
        "alert_again": alerts.health_alert([ill(sample, Health.SUPERSEDED, times_said=3)], ZONE),
        "alert_cleared": alerts.health_alert([clear], ZONE),
        "alert_became": alerts.health_alert([became], ZONE),
        "alert_gone": alerts.health_alert([gone], ZONE),
        "all_clear": alerts.all_clear([clear], ZONE),
    }


def _reported(sample: Sample, kind: ReportKind, **more: object) -> Reported:
    row = made(
        Report,
        id="b" * 32,
        kind=kind,
        subject=OTTO if kind in reports.HANDED_OVER else sample.token.apple_id,
        leaves_on=date(2026, 3, 31) if kind is ReportKind.LEAVES else None,
        reporter=AMIR,
        tokens={},
        state=ReportState.OPEN,
        reported_at=NOW,
    )
    tokens = [replace(sample.token, id=f"{number:032x}") for number in range(2)]
    return Reported(report=replace(row, **more), tokens=tokens)  # type: ignore[arg-type]


def _reports(sample: Sample) -> dict[str, Message]:
    over = _reported(sample, ReportKind.PASSWORD, state=ReportState.ENDED)
    return {
        "report_password": reports.in_channel(_reported(sample, ReportKind.PASSWORD), ZONE),
        "report_leaves": reports.in_channel(_reported(sample, ReportKind.LEAVES), ZONE),
        "report_leaves_direct": reports.directly(_reported(sample, ReportKind.LEAVES), ZONE),
        "report_deactivated": reports.in_channel(_reported(sample, ReportKind.DEACTIVATED), ZONE),
        "report_over": reports.in_channel(over, ZONE),
        **_by_entra(sample),
        "handed_over": reports.handed_over([sample.token], AMIR, OLIVIA),
    }


def entra_account(sample: Sample) -> EntraAccount:
    return made(
        EntraAccount,
        apple_id=sample.token.apple_id,
        standing=EntraStanding.DELETED,
        password_changed_at=NOW - DAY,
        deleted_at=NOW - DAY,
        looked_at=NOW,
    )


def _by_entra(sample: Sample) -> dict[str, Message]:
    account = entra_account(sample)
    shown: dict[str, Message] = {}
    for kind in (
        ReportKind.ENTRA_PASSWORD,
        ReportKind.ENTRA_DISABLED,
        ReportKind.ENTRA_DELETED,
        ReportKind.ENTRA_NOBODY,
    ):
        one = replace(_reported(sample, kind), account=account)
        over = replace(one, report=replace(one.report, state=ReportState.ENDED))
        shown[f"report_{kind}"] = reports.in_channel(one, ZONE)
        shown[f"report_{kind}_direct"] = reports.directly(one, ZONE)
        shown[f"report_{kind}_over"] = reports.directly(over, ZONE)
    gone = replace(account, standing=EntraStanding.GONE)
    deleted = replace(_reported(sample, ReportKind.ENTRA_DELETED), account=gone)
    return shown | {"report_entra_gone": reports.in_channel(deleted, ZONE)}


def _connector(sample: Sample, **more: object) -> Connector:
    one = made(
        Connector,
        id="c" * 32,
        kind=ConnectorKind.CONTENT_TOKEN,
        name=sample.token.name,
        apple_id=sample.token.apple_id,
        expires_at=NOW + 6 * DAY,
    )
    return replace(one, **more)  # type: ignore[arg-type]


def _ending(one: Connector, left: int = 6, **more: object) -> Ending:
    known = Ending(connector=one, ends=NOW + 6 * DAY, days_left=left, snoozable=left > 0)
    return replace(known, **more)  # type: ignore[arg-type]


def _endings(sample: Sample) -> dict[str, Message]:
    content = _connector(sample)
    push = _connector(sample, kind=ConnectorKind.PUSH_CERTIFICATE, name="")
    taken = _connector(sample, answered_by=AMIR, quiet_until=NOW + 3 * DAY)
    shown = {
        "connector_push": _ending(push, 30),
        "connector_push_expired": _ending(push, -3),
        "connector_push_renewed": _ending(replace(push, expires_at=NOW + 365 * DAY)),
        "connector_content": _ending(content),
        "connector_content_today": _ending(content, 0),
        "connector_content_expired": _ending(content, -1),
        "connector_content_gone": _ending(replace(content, gone_at=NOW)),
        "connector_on_it": _ending(replace(taken, answer=AnswerKind.ON_IT)),
        "connector_snoozed_until": _ending(replace(taken, answer=AnswerKind.SNOOZED)),
        "connector_escalated": _ending(push, 5, directly=True),
    }
    return {name: connectors.reminder(one, ZONE) for name, one in shown.items()}


def _digests(sample: Sample) -> dict[str, Message]:
    tokens: list[Token] = [
        replace(sample.token, health=Health.SUPERSEDED),
        replace(sample.token, expires_at=NOW - DAY, health=Health.EXPIRED),
        replace(sample.token, expires_at=NOW + 20 * DAY),
        replace(sample.token, state=TokenState.REQUESTED, expires_at=None),
        *[sample.token] * 40,
    ]
    week = Week(
        at=NOW,
        since=NOW - 7 * DAY,
        tokens=tokens,
        done=Counter({"request.create": 2, "token.activate": 1, "health.change": 4}),
        head=f"17:{'ab' * 32}",
    )
    empty = replace(week, tokens=[], done=Counter(), head="")
    calm = replace(week, tokens=[sample.token], done=Counter())
    return {
        "digest": digest.digest(week, ZONE, digest.image("F0PICTURE", "Tokens: one of them")),
        "digest_without_picture": digest.digest(calm, ZONE, None),
        "digest_empty": digest.digest(empty, ZONE, None),
    }
