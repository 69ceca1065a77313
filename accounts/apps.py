from django.apps import AppConfig

from accounts.instants import read_quickly


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        read_quickly()
