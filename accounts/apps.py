from django.apps import AppConfig

from accounts.instants import read_quickly


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Merchants"

    def ready(self) -> None:
        read_quickly()
