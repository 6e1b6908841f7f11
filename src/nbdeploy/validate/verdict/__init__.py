"""From measurements to findings: counted again, held to the gates, with advice. No notebook has a say here."""
