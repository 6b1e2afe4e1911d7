from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"

    def ready(self) -> None:
        from auditlog.signals import post_log
        from axes.signals import user_locked_out
        from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed

        from . import configuration, logins

        user_logged_in.connect(logins.note_login, dispatch_uid="audit")
        user_logged_out.connect(logins.note_logout, dispatch_uid="audit")
        user_login_failed.connect(logins.note_failure, dispatch_uid="audit")
        user_locked_out.connect(logins.note_lockout, dispatch_uid="audit")
        post_log.connect(configuration.note_change, dispatch_uid="audit")
