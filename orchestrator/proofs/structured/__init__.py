"""The verb `test structured`: do answers meet the JSON schema that the server was given."""
