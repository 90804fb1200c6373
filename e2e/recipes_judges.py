# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which recipe is judged by what: the best that can be had first."""

from support.judges import books, crm, helpdesk, marketing, prism, real, shops, stores

# A recipe's file to what makes its judge. A judge with a form has no recipe.
JUDGES = {
    "odoo_19": real.OtherOdoo,
    "strapi": real.Strapi,
    "shopify": real.GraphQl,
    "stripe": real.LocalStripe,
    "json_server": real.JsonServer,
    "kinto": real.Kinto,
    "airtable": stores.Airtable,
    "bigcommerce": shops.BigCommerce,
    "brevo": marketing.Brevo,
    "directus": stores.Directus,
    "dynamics_365": crm.Dynamics,
    "elasticsearch": stores.Elasticsearch,
    "erpnext": books.ErpNext,
    "freshdesk": helpdesk.Freshdesk,
    "hubspot": crm.HubSpot,
    "intercom": marketing.Intercom,
    "klaviyo": marketing.Klaviyo,
    "magento_2": shops.Magento,
    "mailchimp": marketing.Mailchimp,
    "pipedrive": crm.Pipedrive,
    "postgrest": stores.PostgRest,
    "quickbooks": books.QuickBooks,
    "salesforce": crm.Salesforce,
    "slack": helpdesk.Slack,
    "webhook": helpdesk.Hook,
    "woocommerce": shops.WooCommerce,
    "xero": books.Xero,
    "zendesk": helpdesk.Zendesk,
    "zoho_crm": crm.Zoho,
}


def without_recipe():
    """Return the names of those that are set up by the fields of the form alone."""
    return {name for name, make in JUDGES.items() if make.form}


def _specifications():
    """Return a judge by recipe, of those whose vendors tell their API in a file."""
    return {
        "hubspot": prism.Prism("HubSpot", ["hubspot-contacts.json"]),
        "bigcommerce": prism.Prism(
            "BigCommerce",
            ["bigcommerce-customers.yml"],
            before="/stores/abc123/v3",
            # the customer of its example has no id
            cases=("create",),
        ),
        "klaviyo": prism.Prism(
            "Klaviyo",
            ["klaviyo-create-profile.json", "klaviyo-update-profile.json"],
            # how one is removed is in no file here
            cases=("create", "update"),
        ),
        "zoho_crm": prism.Prism(
            "Zoho CRM", ["zoho-crm-record.json"], scheme="Zoho-oauthtoken"
        ),
        "intercom": prism.Prism("Intercom", ["intercom.yaml"]),
    }


def chosen(names, everything):
    """Return pairs of a recipe's file and a new judge.

    :param names: of recipes; none means all
    :param everything: also the heavy ones
    :return: the pairs, and sentences about what is left out
    """
    pairs = [(name, make()) for name, make in JUDGES.items()]
    pairs += _specifications().items()
    left_out = []
    found = []
    for name, judge in pairs:
        if names and name not in names:
            continue
        if judge.heavy and not everything:
            left_out.append(f"{name}: {judge.name} is for --all")
        elif isinstance(judge, prism.Prism) and not judge.is_there():
            left_out.append(f"{name}: no file for {judge.name}, see ./dev/specs --help")
        else:
            found.append((name, judge))
    return found, left_out
