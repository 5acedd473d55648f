"""WeFact's objects with all their keys, and their spelling: which values are texts and which are numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from mapper.money import decimal_text
from mapper.sandbox.wire import Object

DEBTOR_TEXTS = (
    "DebtorCode CompanyName CompanyNumber TaxNumber Sex Initials SurName Address ZipCode City Country EmailAddress "
    "PhoneNumber MobileNumber FaxNumber Comment DirectDebitApplyTo MandateID MandateDate AccountNumber AccountName "
    "AccountBank AccountCity AccountBIC Mailing LanguageCode Currency CustomTaxCode ReminderEmailAddress PeppolAddress"
).split()
DEBTOR_NUMBERS = ("InvoiceMethod", "InvoiceTerm", "PeriodicInvoiceDays", "PaymentMail")
DEBTOR_ROW = "Identifier DebtorCode CompanyName Sex Initials SurName EmailAddress Modified".split()

PRODUCT_TEXTS = (
    "ProductCode ProductName ProductKeyPhrase ProductDescription NumberSuffix Barcode PricePeriod TaxCode "
    "AccountingCostCentre AccountingProject"
).split()
PRODUCT_ROW = (
    "Identifier ProductCode ProductName ProductKeyPhrase ProductDescription NumberSuffix Barcode PriceExcl "
    "PricePeriod TaxCode TaxPercentage Modified"
).split()

INVOICE_TEXTS = (
    "InvoiceCode DebtorCode Date PayDate PaymentMethod TransactionID IgnoreDiscount UseProductInventory VatCalcMethod "
    "ReferenceNumber CompanyName Initials SurName Sex Address ZipCode City Country EmailAddress LanguageCode "
    "Authorisation SubStatus SentDate Description Comment AccountingCostCentre AccountingProject"
).split()
INVOICE_ADDRESS = "CompanyName Initials SurName Sex Address ZipCode City Country EmailAddress".split()
INVOICE_ROW = (
    "Identifier InvoiceCode Debtor DebtorCode CompanyName Initials SurName AmountExcl AmountTax AmountIncl AmountPaid "
    "AmountOutstanding Currency Date Term PayBefore Status SubStatus Sent SentDate Reminders ReminderDate Summations "
    "SummationDate Modified"
).split()
LINE_TEXTS = (
    "Date NumberSuffix ProductCode Description DiscountPercentageType TaxCode StartDate EndDate PeriodicType Periodic "
    "AccountingCostCentre AccountingProject"
).split()

STATUSES = {
    "0": "Concept",
    "2": "Verzonden",
    "3": "Deels betaald",
    "4": "Betaald",
    "8": "Creditfactuur",
    "9": "Vervallen",
}
PAYMENT_METHODS = (
    "",
    "wire",
    "cash",
    "card",
    "auth",
    "accounting",
    "various",
    "paypal",
    "ideal",
    "qrcode",
    "other",
)
INVOICE_METHODS = {"0": "Per e-mail", "1": "Per post", "3": "Per e-mail en post", "5": "Peppol"}
SEXES = ("", "m", "f", "d", "fam", "u")
COUNTRIES = {
    "NL": "Nederland",
    "BE": "België",
    "DE": "Duitsland",
    "FR": "Frankrijk",
    "US": "Verenigde Staten",
}

# What is a text in the usual mixed answers although it means a number.
_NUMERIC = {
    "Identifier", "Debtor", "Status", "Term", "Sent", "Reminders", "Summations", "AmountExcl", "AmountTax",
    "AmountIncl", "AmountPaid", "AmountOutstanding", "Number", "PriceExcl", "Periods", "PeriodicID", "InvoiceMethod",
    "InvoiceTerm", "PeriodicInvoiceDays", "PaymentMail", "ExtraClientContactId",
}  # fmt: skip
# Objects whose values are words and the caller's own, whatever their keys are called.
_WORDS = {"Translations", "CustomFields", "filters"}


def cents(amount: Decimal) -> str:
    """Write an amount as WeFact does: two decimals, in a text."""
    return format(amount, ".2f")


def trimmed(number: Decimal) -> str:
    """Write a price or quantity as WeFact does: without trailing zeros, in a text."""
    return decimal_text(number)


def debtor_defaults() -> Object:
    """Return a debtor with every key that `show` answers, in its order, and the account's defaults."""
    names = (
        "Identifier DebtorCode CompanyName CompanyNumber TaxNumber Sex Initials SurName Address ZipCode City Country "
        "EmailAddress PhoneNumber MobileNumber FaxNumber Comment InvoiceMethod DirectDebitApplyTo InvoiceAuthorisation "
        "MandateDate MandateID AccountNumber AccountIban AccountBIC AccountName AccountBank AccountCity Mailing "
        "InvoiceTerm PeriodicInvoiceDays PaymentMail LanguageCode Currency CustomTaxCode ReminderEmailAddress "
        "PeppolAddress"
    ).split()
    defaults = {
        "Sex": "m", "Country": "NL", "InvoiceMethod": "0", "DirectDebitApplyTo": "none", "InvoiceAuthorisation": "no",
        "Mailing": "yes", "InvoiceTerm": "-1", "PeriodicInvoiceDays": "-1", "PaymentMail": "-1",
        "LanguageCode": "nl_nl", "Currency": "EUR",
    }  # fmt: skip
    return {name: defaults.get(name, "") for name in names} | {"Groups": []}


def invoice_defaults() -> Object:
    """Return an invoice with every key that `show` answers, in its order."""
    names = (
        "Identifier InvoiceCode Debtor DebtorCode Status SubStatus PaymentPausedEndDate PaymentPausedReason Date Term "
        "PayBefore PaymentURL AmountExcl AmountTax AmountIncl AmountPaid AmountOutstanding Discount VatCalcMethod "
        "IgnoreDiscount ReferenceNumber CompanyName Initials SurName Sex Address ZipCode City Country EmailAddress "
        "ExtraClientContactId InvoiceMethod ScheduledAt SentDate Sent Reminders ReminderDate Summations SummationDate "
        "Authorisation PaymentMethod PayDate TransactionID LanguageCode Currency Description Comment"
    ).split()
    defaults: Object = {
        "Status": "0", "Term": "14", "AmountPaid": "0.00", "AmountOutstanding": "0.00", "Discount": 0,
        "VatCalcMethod": "excl", "IgnoreDiscount": "no", "ExtraClientContactId": "0", "Sent": "0", "Reminders": "0",
        "Summations": "0", "Authorisation": "no",
    }  # fmt: skip
    return {name: defaults.get(name, "") for name in names}


def spelled(value: Any, scalars: str, name: str = "") -> Any:
    """Write the scalars of an answer: `mixed` as recorded, or all `strings`, or `numbers` wherever one is meant."""
    if isinstance(value, dict):
        return value if name in _WORDS else {key: spelled(item, scalars, key) for key, item in value.items()}
    if isinstance(value, list):
        return [spelled(item, scalars, name) for item in value]
    if scalars == "strings" and isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return str(value) if isinstance(value, int) else trimmed(value)
    if scalars == "numbers" and name in _NUMERIC and isinstance(value, str) and value:
        return Decimal(value)
    return value
