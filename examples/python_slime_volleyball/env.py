from slime_volleyball.slimevolley_env import SlimeVolleyEnv


def make_env(lives, frames):
    env = SlimeVolleyEnv(config={"human_inputs": True, "max_steps": frames})
    # The package has no setting for it.
    env.max_lives = lives
    return env
