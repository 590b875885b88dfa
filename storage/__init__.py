"""The facts on disk: records, tables, one repository per noun, migrations."""
