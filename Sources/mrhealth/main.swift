print("mrhealth")
