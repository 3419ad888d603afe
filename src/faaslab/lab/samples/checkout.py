"""Takes an order and trusts its input: the errors that you find in every real log."""


def handler(event, context):
    basket = event["basket"]
    if not basket:
        raise ValueError("the basket is empty")
    total = sum(item["price"] * item["quantity"] for item in basket)
    print(f"order {event['order']}: {len(basket)} articles, {total:.2f}")
    return {"order": event["order"], "total": round(total, 2)}
