"""What is done to a Patroni cluster: pause, switch over, promote, demote, fence, check."""
