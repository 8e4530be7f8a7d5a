"""What to offer each customer next: product_recommendations, segment_products, and their test."""
