"""Products: what the plans are called."""

from sandbox.stripe import Json
from sandbox.stripe.errors import refused
from sandbox.stripe.present import merged_metadata, page, shown
from sandbox.stripe.resources.prices import make_price
from sandbox.stripe.routes import Ask, route
from sandbox.stripe.store import Tx

_PLAIN = ("description", "shippable", "statement_descriptor", "tax_code", "unit_label", "url", "package_dimensions")
_EMPTY = {"active": True, "images": [], "marketing_features": [], "metadata": {}, "default_price": None}


@route("POST", "/v1/products", "ProductCreateParams")
def create_product(tx: Tx, ask: Ask) -> Json:
    """Create, with an id of the caller's if given, and with a default price."""
    product = make_product(tx, ask)
    given = ask.get("default_price_data")
    if given:
        price = make_price(tx, {**given, "product": product["id"]})
        product = tx.change("products", product["id"], default_price=price["id"])
    return shown(tx, product)


@route("GET", "/v1/products/{id}", "ProductRetrieveParams")
def retrieve_product(tx: Tx, ask: Ask) -> Json:
    """One product."""
    return shown(tx, tx.get("products", ask.args["id"]))


@route("POST", "/v1/products/{id}", "ProductUpdateParams")
def update_product(tx: Tx, ask: Ask) -> Json:
    """Change what is given."""
    product = tx.get("products", ask.args["id"])
    if ask.get("default_price"):
        tx.get("prices", ask.get("default_price"), "default_price")
    named = (*_PLAIN, "name", "active", "images", "marketing_features", "default_price")
    changed = {name: ask.get(name) for name in named if name in ask.params}
    metadata = merged_metadata(product["metadata"], ask.params.get("metadata"))
    product = tx.put("products", {**product, **changed, "metadata": metadata, "updated": tx.now})
    tx.emit("product.updated", product)
    return shown(tx, product)


@route("GET", "/v1/products", "ProductListParams")
def list_products(tx: Tx, ask: Ask) -> Json:
    """Newest first; by active and ids."""
    wanted = ask.get("ids")
    found = (doc for doc in tx.where("products", active=ask.get("active")) if not wanted or doc["id"] in wanted)
    return page(tx, ask, found)


def make_product(tx: Tx, ask: Ask) -> Json:
    """A product from its parameters; an id already taken is refused."""
    id = ask.get("id") or tx.new_id("prod")
    if tx.find("products", id):
        raise refused(f"Product already exists: {id}", "resource_already_exists", param="id")
    product = tx.put(
        "products",
        {
            "id": id,
            "object": "product",
            **dict.fromkeys(_PLAIN),
            **_EMPTY,
            "created": tx.now,
            "livemode": False,
            "updated": tx.now,
            **{
                name: ask.get(name)
                for name in (*_PLAIN, "active", "images", "marketing_features")
                if name in ask.params
            },
            "name": ask.params["name"],
            "metadata": merged_metadata({}, ask.params.get("metadata")),
        },
    )
    tx.emit("product.created", product)
    return product
