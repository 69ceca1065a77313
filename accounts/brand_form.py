"""What staff fill in about a merchant, its pages for shoppers included."""

from django import forms
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldBooleanWidget

from accounts import images
from accounts.models import Merchant


class BrandForm(forms.ModelForm[Merchant]):
    """A merchant, and what of its pages for shoppers is no field of its row."""

    logo = forms.FileField(
        required=False,
        widget=UnfoldAdminFileFieldWidget,
        help_text="PNG, JPEG or WebP of at most 128 KB; it takes the place of the one there is.",
    )
    remove_logo = forms.BooleanField(required=False, widget=UnfoldBooleanWidget)
    renew_links = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="Every link that was given out so far leads nowhere from then on.",
    )

    def clean_logo(self) -> bytes | None:
        """The picture's bytes."""
        given = self.cleaned_data["logo"]
        if not given:
            return None
        body: bytes = given.read(images.MOST_BYTES + 1)
        try:
            images.read(body)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
        return body
