"""Rules, protection, plan: decides what goes and what stays, and why. Pure: values in, values out, no I/O here."""
