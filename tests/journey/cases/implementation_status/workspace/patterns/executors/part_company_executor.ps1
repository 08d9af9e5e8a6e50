def part():
    # TODO: Implement pattern logic
    pass
