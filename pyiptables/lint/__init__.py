"""Static checks of rule files and firewall scripts. Nothing read here is ever executed."""
