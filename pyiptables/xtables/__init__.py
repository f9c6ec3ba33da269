"""The vocabulary that every extension is written in: option tables, value types, errors (cf. libxtables)."""
