"""The CCV App Store: handshake, install pages in the merchant's browser, uninstall (T1, T2; ccv-api 2.8)."""
