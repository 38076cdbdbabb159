"""The system user of the machine's service, and what it may read and write.

Knows no service manager.
"""

import grp
import os
import pwd
import shutil
import stat
from pathlib import Path

from tactics.errors import ConfigError
from tactics.service.manager import Run, insist
from tactics.service.plan import NAME, Plan


def make_user(plan: Plan, run: Run) -> None:
    """Make the user `tactics` unless it is there; another one must be.

    Raises:
        ConfigError: there is no such user, or none can be made.
    """
    if plan.user == NAME and not _has_user(NAME):
        command = ["useradd", "--system", "--user-group", "--no-create-home"]
        command += ["--home-dir", str(plan.home), "--shell", "/usr/sbin/nologin", plan.user]
        insist(run, command)
    need_user(plan)


def need_user(plan: Plan) -> None:
    """Refuse a user that is not there.

    Raises:
        ConfigError: there is no such user.
    """
    if not _has_user(plan.user):
        raise ConfigError("there is no such user", hint="name one with --run-as", user=plan.user)


def share_folders(plan: Plan) -> None:
    """Make home and folder, and let the service's user read its configuration but no secret.

    Raises:
        ConfigError: the configuration lies elsewhere and the user may not read it.
    """
    user = pwd.getpwnam(plan.user)
    group = grp.getgrgid(user.pw_gid).gr_name
    plan.secrets_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    plan.folder.chmod(0o750)
    shutil.chown(plan.folder, group=group)
    if not plan.home.exists():
        plan.home.mkdir(mode=0o700, parents=True)
        shutil.chown(plan.home, plan.user, group)
    if plan.config.is_relative_to(plan.folder):
        plan.config.chmod(0o640)
        shutil.chown(plan.config, group=group)
    elif not _may_read(user, plan.config):
        hint = f"chown {plan.user} {plan.config}, or keep it in {plan.folder}"
        raise ConfigError("the service may not read its configuration", hint=hint, user=plan.user)


def give_secrets(plan: Plan) -> None:
    """Let the service's user read its credentials, where the manager does not pass them on."""
    for path in (plan.secrets_folder, *(one.path for one in plan.secrets)):
        shutil.chown(path, plan.user)


def make_own_folders(plan: Plan) -> None:
    """Make home and folder of a person's own service."""
    for folder in (plan.home, plan.folder, plan.secrets_folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def own_name() -> str:
    """Return the name of who runs this."""
    return pwd.getpwuid(os.getuid()).pw_name


def _has_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _may_read(user: pwd.struct_passwd, path: Path) -> bool:
    facts = path.stat()
    if facts.st_uid == user.pw_uid:
        return bool(facts.st_mode & stat.S_IRUSR)
    bit = stat.S_IRGRP if facts.st_gid == user.pw_gid else stat.S_IROTH
    return bool(facts.st_mode & bit)
